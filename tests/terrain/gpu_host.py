"""A card for those without one: the graphics kernels compiled for the processor, behind what is used of CuPy."""

from __future__ import annotations

import ctypes
import subprocess
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from moonpost.terrain import gpucard


class Array(np.ndarray):
    """An array of the card."""

    def get(self, out=None):
        result = np.array(self)
        if out is None:
            return result
        out[...] = result
        return out


class Card:
    """NumPy with the names of CuPy; new memory holds rubbish."""

    def __init__(self):
        self.cuda = SimpleNamespace(alloc_pinned_memory=bytearray)

    def __getattr__(self, name):
        return getattr(np, name)

    def asarray(self, values, dtype=None):
        return np.asarray(values, dtype=dtype).view(Array)

    def ascontiguousarray(self, values):
        return np.ascontiguousarray(values).view(Array)

    def empty(self, shape, dtype):
        return np.full(shape, 7, dtype=dtype).view(Array)

    def full(self, shape, value, dtype):
        return np.full(shape, value, dtype=dtype).view(Array)


class Kernels:
    """The kernels, compiled by g++ into a folder."""

    def __init__(self, compiler, folder):
        library = folder / "host.so"
        options = gpucard.OPTIONS | {"BLOCKS": 1, "SHARED": 0}
        flags = [f"-D{name}={value}" for name, value in options.items()]
        source = Path(str(files("moonpost.terrain"))).resolve()
        command = [compiler, "-O2", "-std=c++17", "-shared", "-fPIC", f"-I{source}", *flags, "-o", str(library)]
        here = Path(__file__).with_name("gpu_host.cpp")
        subprocess.run([*command, str(here)], check=True, capture_output=True)
        self._library = ctypes.CDLL(str(library))
        self._library.reads_astray.restype = ctypes.c_long

    def kernel(self, name, file="horizon.cu"):
        """What stands for a kernel on the card."""
        del file
        run = getattr(self._library, f"run_{name}")

        def launch(grid, block, arguments, shared_mem=0):
            del shared_mem
            arrays = [value for value in arguments if isinstance(value, np.ndarray)]
            assert all(isinstance(array, Array) and array.flags.c_contiguous for array in arrays)
            self._know(arrays)
            held = [self._held(value) for value in arguments]
            places = (ctypes.c_void_p * len(held))(*(value.ctypes.data for value in held))
            run((ctypes.c_int * 3)(*(*grid, 1, 1)[:3]), block[0], places)
            assert self._library.reads_astray() == 0

        return launch

    def _know(self, arrays):
        begins = [array.ctypes.data for array in arrays]
        ends = [array.ctypes.data + array.nbytes for array in arrays]
        kind = ctypes.c_void_p * len(arrays)
        self._library.know(kind(*begins), kind(*ends), len(arrays))

    @staticmethod
    def _held(value):
        """An argument in memory: a pointer or a number."""
        if isinstance(value, np.ndarray):
            return np.array(value.ctypes.data, dtype=np.uint64)
        assert isinstance(value, np.generic), value
        return np.array(value)
