"""How a request reaches a node, in either world: one face (`base`), two ways (`http`, `sim`), one client over
it (`client`).
"""
