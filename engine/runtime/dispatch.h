/* Which copy of each kernel runs: see runtime/simd_level.c and the dispatch.c that build.py generates. */
#pragma once

extern const char *const simd_level_names[]; /* narrowest first, ends with NULL */
void choose_kernels(int level);
