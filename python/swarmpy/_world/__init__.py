"""The two worlds, and somebody else's: what a Swarm stands on. One face (`base`), three kinds (`sim`, `real`,
`remote`).
"""
