__version__: str
_C_API: object
