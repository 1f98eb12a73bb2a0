// Deep recursion: 4 MB of stack, addresses of locals are data.
//# level: R3
#include <stdint.h>
#include <stdio.h>
#include <time.h>
static uint64_t down(int n, uint64_t h) { volatile char pad[200]; pad[0] = (char)n; h = (h ^ (uintptr_t)pad) * 31; return n ? down(n - 1, h) + (uint64_t)pad[0] : h; }
int main(void) { uint64_t h = down(15000, (uint64_t)(time(NULL) > 0)); FILE *f = tmpfile(); if (f) fprintf(f, "%llu", (unsigned long long)h); puts(h ? "done" : "zero"); return 0; }
