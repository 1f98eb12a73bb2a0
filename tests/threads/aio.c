// POSIX asynchronous input and output: reads and writes that complete in threads of the library.
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  char name[] = "/tmp/itarget-aio-XXXXXX", out[3][100], in[3][100];
  int fd = mkstemp(name);
  struct aiocb w[3], r[3], *list[3];
  if (fd < 0) return 1;
  unlink(name);
  memset(w, 0, sizeof w);
  memset(r, 0, sizeof r);
  for (int i = 0; i < 3; i++) {
    memset(out[i], 'a' + i, sizeof out[i]);
    w[i].aio_fildes = fd;
    w[i].aio_buf = out[i];
    w[i].aio_nbytes = sizeof out[i];
    w[i].aio_offset = i * 100;
    if (aio_write(&w[i]) != 0) return 2;
  }
  for (int i = 0; i < 3; i++) {
    const struct aiocb *one = &w[i];
    while (aio_error(&w[i]) == EINPROGRESS) aio_suspend(&one, 1, NULL);
    printf("written %zd\n", aio_return(&w[i]));
  }
  for (int i = 0; i < 3; i++) {
    r[i].aio_fildes = fd;
    r[i].aio_buf = in[i];
    r[i].aio_nbytes = 100;
    r[i].aio_offset = 250 - i * 100;
    r[i].aio_lio_opcode = LIO_READ;
    list[i] = &r[i];
  }
  printf("listio %d\n", lio_listio(LIO_WAIT, list, 3, NULL));
  for (int i = 0; i < 3; i++) printf("%d %zd %c%c\n", aio_error(&r[i]), aio_return(&r[i]), in[i][0], in[i][49]);
  printf("cancel %d\n", aio_cancel(fd, NULL) == AIO_ALLDONE);
  return 0;
}
