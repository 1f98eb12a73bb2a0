// Words that begin before a variable that another thread writes, or end behind it, as code reads them that takes a word at a time; what is beside
// the variable is the reader's own, and masked.
//# varies: output
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
typedef uint64_t __attribute__((may_alias)) word;
__attribute__((section("together"), aligned(8))) static uint32_t before = 7;
__attribute__((section("together"))) static struct {
  uint32_t first, second, third, last;
} shared = {1, 2, 3, 4};
__attribute__((section("together"))) static uint32_t after[3] = {8, 9, 10};
// Smaller than the word.
__attribute__((section("apart"), aligned(8))) static uint32_t own_half = 11;
__attribute__((section("apart"))) static uint32_t lone = 12;
__attribute__((aligned(8))) static uint32_t own[4] = {1, 2, 3, 4};
static int started, ended;

// A word that ends with what is looked for.
__attribute__((noinline)) static uint32_t upper(const uint32_t *p) {
  return (uint32_t)(*(const word *)((uintptr_t)p & ~(uintptr_t)7) >> 32);
}
__attribute__((noinline)) static uint32_t upper_of_lone(const uint32_t *p) {
  return (uint32_t)(*(const word *)((uintptr_t)p & ~(uintptr_t)7) >> 32);
}
// A word that begins with it.
__attribute__((noinline)) static uint32_t lower(const uint32_t *p) { return (uint32_t)*(const word *)((uintptr_t)p & ~(uintptr_t)7); }

static void *writer(void *arg) {
  (void)arg;
  __atomic_store_n(&started, 1, __ATOMIC_RELEASE);
  for (uint32_t i = 0; !__atomic_load_n(&ended, __ATOMIC_ACQUIRE); i++) shared.first = i, shared.last = i * 0x01010101U, lone = i;
  return NULL;
}

int main(void) {
  pthread_t thread;
  uint64_t sum = 0;
  pthread_create(&thread, NULL, writer, NULL);
  while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE)) {
  }
  for (int i = 0; i < 20000; i++) {
    before = after[0] = own_half = (uint32_t)i;
    if (i % 64 == 0) shared.first = shared.last = (uint32_t)i;
    sum = sum * 31 + upper(i % 4 ? &shared.first : own + 1);
    sum = sum * 31 + upper_of_lone(i % 4 ? &lone : own + 3);
    sum = sum * 31 + lower(i % 4 ? &shared.last : own + 2);
  }
  __atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
  pthread_join(thread, NULL);
  printf("%lu %u %u\n", (unsigned long)((uintptr_t)&shared % 8 + (uintptr_t)&lone % 8), (uint32_t)(sum >> 32), (uint32_t)sum);
  return 0;
}
