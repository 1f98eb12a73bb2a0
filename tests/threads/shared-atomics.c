// Atomic operations on a shared mapping, as servers keep their counters in, and on memory of our own behind the same pointer.
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
struct counters { atomic_long requests; atomic_int lock, state; _Atomic(const char *) name; };
static struct counters own;
__attribute__((noinline)) static void use(struct counters *c, int n) {
  for (int i = 0; i < n; i++) {
    int free_ = 0, was = atomic_load(&c->state);
    while (!atomic_compare_exchange_strong(&c->lock, &free_, 1)) free_ = 0;
    long r = atomic_fetch_add(&c->requests, i);
    atomic_store(&c->state, was ^ (int)r);
    const char *before = atomic_exchange(&c->name, i % 2 ? "odd" : "even");
    printf("%ld %d %s\n", r, was, before ? before : "none");
    atomic_store_explicit(&c->lock, 0, memory_order_release);
  }
}
int main(int count, char **words) {
  struct counters *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  (void)words;
  if (shared == MAP_FAILED) return 1;
  use(count > 5 ? &own : shared, 4);
  use(count > 5 ? shared : &own, 3);
  atomic_fetch_or(&shared->requests, 1l << 40);
  printf("%ld %ld %d\n", atomic_load(&shared->requests), atomic_load(&own.requests), atomic_flag_test_and_set((atomic_flag *)(void *)&shared->lock));
  return munmap(shared, 4096);
}
