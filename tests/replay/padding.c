// Uninitialised padding and stack garbage are hashed: they must be the same at replay.
//# level: R3
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
struct s { char a; long b; char c; short d; };
static uint64_t hash(const void *p, size_t n) { uint64_t h = 14695981039346656037u; for (size_t i = 0; i < n; i++) h = (h ^ ((const uint8_t *)p)[i]) * 1099511628211u; return h; }
// A parameter has a gap too: as part of the structure it goes to the heap.
struct position { size_t index; unsigned constraint; };
static volatile size_t size = sizeof(struct position);
static __attribute__((noinline)) void append(struct position *to, struct position p) { memcpy(to, &p, size); }
static uint64_t garbage(void) { uint8_t raw[64]; struct s t; t.a = 1; t.b = 2; t.c = 3; t.d = 4; return hash(raw, 32) ^ hash(&t, sizeof t); }
// As long in every run.
static long now(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return 1000000000 + t.tv_nsec; }
int main(void) {
  char noise[512]; snprintf(noise, sizeof noise, "%ld%8d", (long)time(NULL), getpid());
  struct s *h = malloc(sizeof *h); h->a = 9; h->b = 8; h->c = 7; h->d = 6;
  printf("%llx %llx\n", (unsigned long long)garbage(), (unsigned long long)hash(h, sizeof *h));
  struct position *all = malloc(64 * sizeof *all);
  for (unsigned i = 0; i < 64; i++) { snprintf(noise, sizeof noise, "%p %ld", (void *)noise, now()); char deep[4096]; snprintf(deep, sizeof deep, "%s %f", noise, (double)now() / 3); append(all + i, (struct position){ i, i + 1 }); }
  // The plain build has garbage there: only the replay has to have the same.
  noise[1] = (char)hash(all, 64 * sizeof *all); noise[2] = noise[1] == 7; free(all);
  char *m = malloc(200); printf("%llx\n", (unsigned long long)hash(m, 200)); free(m); free(h);
  return noise[0] == 0;
}
