// The time stamp counter, read by assembly and intrinsics, and the processor's random numbers: what they say is logged. Sums keep what was
// read in memory that digests cover.
#include <stdint.h>
#include <stdio.h>
#include <x86intrin.h>

static uint64_t sum;

static inline uint64_t ticks(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}
static inline uint64_t ordered(unsigned *processor) {
  unsigned long low, high;
  __asm__ volatile("rdtscp; lfence" : "=a"(low), "=d"(high), "=c"(*processor)::"memory");
  return high << 32 | low;
}
static inline uint32_t low(void) {
  uint32_t low;
  __asm__ volatile("lfence\n\trdtsc" : "=a"(low)::"rdx");
  return low;
}

__attribute__((target("rdrnd"))) static unsigned long long drawn(void) {
  unsigned long long number = 0;
  unsigned short word = 0;
  while (!_rdrand64_step(&number) || !_rdrand16_step(&word)) continue;
  return number + word;
}

int main(void) {
  unsigned processor = 1u << 31;
  uint64_t first = ticks(), second = ordered(&processor);
  for (int i = 0; i < 1000; i++) sum = sum * 31 + ticks() + low();
  for (int i = 0; i < 100; i++) {
    unsigned there = 1u << 31;
    sum = sum * 31 + __rdtsc() + __builtin_readcyclecounter() + drawn();
    sum += __rdtscp(&there) + there;
  }
  printf("%d %d\n", second > first, processor < 1u << 31);
  return sum == 0;
}
