from lucid.compiler.compiled import compile
