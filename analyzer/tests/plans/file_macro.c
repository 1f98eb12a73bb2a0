// The fields of a FILE are memory of the environment: loads logged, stores guarded.
#include <stdio.h>
int main(void) {
  FILE *f = fopen("/dev/null", "r");
  if (!f)
    return 1;
  if (f->_IO_read_ptr < f->_IO_read_end)
    return *f->_IO_read_ptr++;
  return fclose(f);
}
