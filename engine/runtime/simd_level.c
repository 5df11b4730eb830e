/* The instruction set: the widest that this processor and this build have, unless one is asked for. */
#include "lucid_engine.h"
#include "dispatch.h"
#include <string.h>

static int current_level = 0;

static int processor_has(const char *name) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!strcmp(name, "avx2")) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!strcmp(name, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
#endif
    (void)name;
    return 1; /* the narrowest level is what the compiler may assume anyway */
}

const char *simd_level_name(int level) {
    if (level < 0) return 0;
    for (int i = 0; simd_level_names[i]; i++)
        if (i == level && processor_has(simd_level_names[i])) return simd_level_names[i];
    return 0;
}

int simd_level(void) { return current_level; }

int set_simd_level(int level) {
    if (!simd_level_name(level)) return -1;
    choose_kernels(level);
    current_level = level;
    return level;
}
