// Reads 110,000 random bytes that replay space looks at.
#include <stdio.h>
#include <sys/random.h>
static unsigned char all[110000];
int main(void) {
  unsigned long sum = 0;
  for (int i = 0; i < 110; i++) {
    if (getrandom(all + i * 1000, 1000, 0) != 1000) return 1;
    for (int k = 0; k < 1000; k++) sum = sum * 31 + all[i * 1000 + k];
  }
  puts(sum == 1 ? "one" : "ends");
  return 7;
}
