// An instruction that only some processors have (cmpxchg16b), in main itself.
//# libs: -mcx16
#include <stdio.h>
#include <unistd.h>

int main(void) {
  __int128 value = getpid(), expected = value, wanted = 5;
  int done = __atomic_compare_exchange(&value, &expected, &wanted, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  printf("%d %d\n", done, (int)value);
  return 0;
}
