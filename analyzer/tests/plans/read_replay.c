// Bytes that the program looks at one by one: the write of `read` is logged once.
#include <unistd.h>
int main(void) {
  char buf[64];
  int sum = 0;
  long n = read(0, buf, sizeof buf);
  for (int round = 0; round < 100; round++)
    for (long i = 0; i < n; i++)
      sum += buf[i];
  return sum & 1;
}
