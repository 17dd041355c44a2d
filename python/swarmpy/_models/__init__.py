"""The API's JSON as typed, frozen values, and specs the other way round. Pure: nothing here asks anybody."""
