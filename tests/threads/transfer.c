// sendfile, splice, tee, vmsplice, copy_file_range, readv, writev, preadv, pwritev: moved by one thread, read by another.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>
enum { SIZE = 50000 };
static int first[2], second[2], third[2];
static unsigned long sums[2];
static void *drain(void *arg) {
  int which = (int)(long)arg, fd = which == 0 ? second[0] : third[0];
  char a[100], b[3000];
  struct iovec v[2] = { { a, sizeof a }, { b, sizeof b } };
  ssize_t n;
  while ((n = readv(fd, v, 2)) > 0)
    for (ssize_t i = 0; i < n; i++) sums[which] = sums[which] * 31 + (unsigned char)(i < 100 ? a[i] : b[i - 100]);
  return NULL;
}
int main(void) {
  char name[] = "/tmp/itarget-transfer-XXXXXX", text[64] = "", *block = malloc(SIZE);
  int file = mkstemp(name), copy = open("/tmp", O_TMPFILE | O_RDWR, 0600);
  pthread_t t[2];
  if (file < 0 || copy < 0 || pipe(first) || pipe(second) || pipe(third)) return 1;
  unlink(name);
  for (int i = 0; i < SIZE; i++) block[i] = (char)(i * 7 + i / 100);
  struct iovec v[3] = { { block, 10000 }, { block + 10000, 15000 }, { block + 25000, 25000 } };
  printf("writev %zd\n", writev(file, v, 3));
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, drain, (void *)i);
  off_t at = 100;
  ssize_t n = 0, sent = 0, teed = 0, spliced = 0;
  printf("sendfile %zd", sendfile(first[1], file, &at, 3000));
  printf(" at %ld\n", (long)at);
  teed = tee(first[0], third[1], 3000, 0);
  spliced = splice(first[0], NULL, second[1], NULL, 3000, SPLICE_F_MOVE);
  printf("tee %zd splice %zd\n", teed, spliced);
  loff_t from = 5000;
  while (sent < 20000 && (n = splice(file, &from, second[1], NULL, (size_t)(20000 - sent), 0)) > 0) sent += n;
  printf("splice %zd from %ld\n", sent, (long)from);
  loff_t in = 1000, out = 0;
  n = copy_file_range(file, &in, copy, &out, 2000, 0);
  printf("copy %zd in %ld out %ld\n", n, (long)in, (long)out);
  struct iovec gift = { block, 500 };
  n = vmsplice(third[1], &gift, 1, 0);
  printf("vmsplice %zd\n", n);
  close(second[1]);
  close(third[1]);
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  printf("%lx %lx\n", sums[0], sums[1]);
  struct iovec r[2] = { { text, 10 }, { text + 10, 10 } };
  n = preadv(copy, r, 2, 30);
  unsigned long sum = 0;
  for (int i = 0; i < 20; i++) sum = sum * 31 + (unsigned char)text[i];
  printf("preadv %zd %lx pwritev %zd\n", n, sum, pwritev(copy, r, 2, 4000));
  printf("pread %zd %d\n", pread(copy, text, 64, 4000), memcmp(text, block, 1) != 0);
  free(block);
  return 0;
}
