// Vector instructions that read memory by themselves, one of them a variable that the kernel filled; and the register that says how to calculate,
// set by what came from outside.
#include <immintrin.h>
#include <stdio.h>
#include <string.h>

struct eight { int v[8]; };

__attribute__((target("avx2"))) static int gather(const int *from) {
  int to[8];
  _mm256_storeu_si256((__m256i *)to, _mm256_i32gather_epi32(from, _mm256_set1_epi32(1), 4));
  return to[3];
}
__attribute__((target("avx2"))) static int masked(void) {
  struct eight e = {{0}};
  int to[8];
  if (fread(&e, 1, sizeof e, stdin) > sizeof e) return -1;
  _mm256_storeu_si256((__m256i *)to, (__m256i)__builtin_ia32_maskloadd256((const __v8si *)&e, (__v8si)_mm256_set1_epi32(-1)));
  return to[3];
}
int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "", *flush = argc > 2 ? argv[2] : "";
  volatile double small = 1e-308;
  int two[2] = {1, 2};
  _MM_SET_FLUSH_ZERO_MODE(*flush ? _MM_FLUSH_ZERO_ON : _MM_FLUSH_ZERO_OFF);
  printf("flush to zero %d %d\n", _MM_GET_FLUSH_ZERO_MODE() != 0, small / 16 == 0);
  if (strcmp(how, "gather") == 0) printf("gathered %d\n", gather(two));
  if (strcmp(how, "masked") == 0) printf("masked %d\n", masked());
  return 7;
}
