// Scalars that are as expected cost a bit of a flag byte that eight of them share: mixed with others, with blocks of
// every size, and with ends of chunks at any place among them.
//# level: R3
//# env: ITARGET_OPTIONS=ring_kib=64
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static unsigned char data[1 << 20], got[1 << 18];
static uint32_t seed = 1;
static uint32_t next(void) { seed = seed * 1664525u + 1013904223u; return seed >> 8; }
static uint64_t hash;
static void add(const unsigned char *p, size_t n) { for (size_t i = 0; i < n; i++) hash = (hash ^ p[i]) * 1099511628211u; }
int main(void) {
  for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)next();
  FILE *f = tmpfile();
  if (!f) return 2;
  int fd = fileno(f);
  if (write(fd, data, sizeof data) != (ssize_t)sizeof data) return 2;
  static const size_t usual[] = { 1, 2, 4, 8, 16, 3, 5, 9, 17, 24, 64, 65, 200, 5000 };
  pid_t self = getpid();
  for (int i = 0; i < 60000; i++) {
    size_t n = usual[next() % 12];
    if (next() % 64 == 0) n = usual[12 + next() % 2];
    if (next() % 4096 == 0) n = (128 << 10) - 1 + next() % 3;
    for (uint32_t k = next() % 12; k > 0; k--) add((const unsigned char *)"x", (size_t)(getpid() == self));
    off_t at = next() % 3 == 0 ? (off_t)(next() % (sizeof data - n)) : 64;
    ssize_t r = pread(fd, got, n, at);
    if (r != (ssize_t)n) return 3;
    add(got, n);
  }
  // Reads of one size, with any number of calls between them whose results are as expected.
  for (int i = 0; i < 400; i++) {
    for (uint32_t k = next() % 20; k > 0; k--) add((const unsigned char *)"y", (size_t)(getpid() == self));
    size_t n = 70000;
    if (pread(fd, got, n, 128) != (ssize_t)n) return 4;
    add(got, 16);
  }
  printf("%016llx\n", (unsigned long long)hash);
  return 0;
}
