// A vector instruction that reads memory of the library's by itself, and one that sets a control register from a variable.
#include <immintrin.h>
#include <stdio.h>

__attribute__((target("avx2"))) static int gather(const int *from) {
  int to[8];
  _mm256_storeu_si256((__m256i *)to, _mm256_i32gather_epi32(from, _mm256_set1_epi32(1), 4));
  return to[3];
}
int main(int argc, char **argv) {
  (void)argv;
  int two[2] = {1, 2};
  _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
  printf("flush to zero %d\n", _MM_GET_FLUSH_ZERO_MODE() != 0);
  if (argc > 1) printf("gathered %d\n", gather(two));
  return 7;
}
