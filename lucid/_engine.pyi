# The compiled engine (built by engine/build.py from lucid_engine.h, which is its reference).
from typing import Any

ffi: Any
lib: Any
