# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Operations: what is to be written by hand, one method for each operation that comes in. It does none of it.

A class fits a protocol by having its methods: it must not inherit it, since then a missing one would go unnoticed.
"""

from typing import TypeVar

SessionT = TypeVar("SessionT")
SessionT_contra = TypeVar("SessionT_contra", contravariant=True)
