// Words and vectors that begin before the memory of the environment that they are after, or end behind it: what is beside it is masked.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
typedef long long vector __attribute__((vector_size(16)));
__attribute__((section("together"), aligned(16))) long before = 1;
__attribute__((section("together"))) union {
  unsigned char of[4096];
  uint64_t words[512];
} bytes = {{1}};
__attribute__((section("together"))) long after = 1;
__attribute__((aligned(16))) static unsigned char own[32] = "memory of the program's own";
__attribute__((noinline)) static uint64_t upper(const unsigned char *p) {
  return (uint64_t)(*(const vector *)((uintptr_t)p & ~(uintptr_t)15))[1];
}
__attribute__((noinline)) static uint64_t lower(const unsigned char *p) { return (uint64_t)(*(const vector *)p)[0]; }
__attribute__((noinline)) static uint64_t word(const unsigned char *p) {
  uint64_t value;
  memcpy(&value, p, sizeof value);
  return value;
}
int main(int argc, char **argv) {
  int fd = open("/bin/sh", O_RDONLY);
  if (read(fd, bytes.of, sizeof bytes) != sizeof bytes) return 1;
  if (argc > 1) before = after = argv[1][0];
  uintptr_t at[] = {(uintptr_t)&before, (uintptr_t)&bytes, (uintptr_t)&after};
  printf("%lu %lu\n", at[1] - at[0], at[2] - at[1]);
  printf("%lx %lx\n", upper(bytes.of), lower(bytes.of + sizeof bytes - 8));
  printf("%lx %lx\n", word(bytes.of - 4) >> 32, word(bytes.of + sizeof bytes - 4) << 32);
  // The same code works on memory that is replayed.
  printf("%lx %lx %lx\n", upper(own + 8), lower(own), word(own + 3));
  return before + after == 2 ? 0 : 3;
}
