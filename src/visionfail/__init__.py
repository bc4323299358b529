"""When, where and why do vision models fail, and can we know before it hurts?"""

__version__ = "0.1.0"
