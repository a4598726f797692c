"""The public functions of nnpeek/measure.h for Python, through ctypes."""
import ctypes
import os

import numpy as np

library = ctypes.CDLL(os.environ["NNPEEK_LIBRARY"])
doubles, floats = ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_float)
size = ctypes.c_int64


def pointer(array):
    kind = {"float64": doubles, "float32": floats, "int64": ctypes.POINTER(ctypes.c_int64),
            "int32": ctypes.POINTER(ctypes.c_int32)}[str(array.dtype)]
    return array.ctypes.data_as(kind)


def convert(argument):
    if isinstance(argument, np.ndarray):
        return pointer(argument)
    return size(argument) if isinstance(argument, int) else ctypes.c_double(argument) if isinstance(argument, float) else argument


def number(name, *arguments):
    """A function that returns a double."""
    function = getattr(library, name)
    function.restype = ctypes.c_double
    return function(*map(convert, arguments))


def call(name, *arguments):
    """A function that takes a context and returns a status."""
    context = ctypes.c_void_p()
    assert library.peek_context_create(ctypes.byref(context), None) == 0
    try:
        return getattr(library, name)(context, *map(convert, arguments))
    finally:
        library.peek_context_free(ctypes.byref(context))
