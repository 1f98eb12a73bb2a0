// io_uring through liburing: files and a socket pair are read and written; what comes back is the environment's.
//# libs: -luring
//# varies: output
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
enum { BLOCKS = 8, BLOCK = 512 };
struct request { int number; char *buffer; };
static char text[BLOCKS][BLOCK];
int main(void) {
  struct io_uring ring;
  struct request requests[BLOCKS];
  char name[] = "/tmp/itarget-uring-XXXXXX";
  int fd = mkstemp(name), pair[2], order = 0, bytes = 0;
  if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 1;
  int r = io_uring_queue_init(16, &ring, 0);
  if (r < 0) { printf("no io_uring: %s\n", strerror(-r)); return 0; }
  for (int i = 0; i < BLOCKS; i++) {
    memset(text[i], 'a' + i, BLOCK);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    io_uring_prep_write(sqe, fd, text[i], BLOCK, (unsigned)(i * BLOCK));
    io_uring_sqe_set_data(sqe, NULL);
  }
  io_uring_submit_and_wait(&ring, BLOCKS);
  for (int i = 0; i < BLOCKS; i++) {
    struct io_uring_cqe *cqe;
    if (io_uring_wait_cqe(&ring, &cqe) != 0) return 2;
    bytes += cqe->res;
    io_uring_cqe_seen(&ring, cqe);
  }
  for (int i = 0; i < BLOCKS; i++) {
    requests[i].number = i;
    requests[i].buffer = malloc(BLOCK);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    io_uring_prep_read(sqe, fd, requests[i].buffer, BLOCK, (unsigned)((BLOCKS - 1 - i) * BLOCK));
    io_uring_sqe_set_data(sqe, &requests[i]);
  }
  io_uring_submit(&ring);
  for (int i = 0; i < BLOCKS; i++) {
    struct io_uring_cqe *cqe;
    if (io_uring_wait_cqe(&ring, &cqe) != 0) return 3;
    struct request *q = io_uring_cqe_get_data(cqe);
    order = (order * 9 + q->number) % 1000003;
    bytes += cqe->res;
    printf("%d: %c%c\n", q->number, q->buffer[0], q->buffer[BLOCK - 1]);
    io_uring_cqe_seen(&ring, cqe);
  }
  char said[20] = "";
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
  io_uring_prep_recv(sqe, pair[0], said, sizeof said, 0);
  io_uring_submit(&ring);
  if (write(pair[1], "through a socket", 17) != 17) return 4;
  struct io_uring_cqe *cqe;
  if (io_uring_wait_cqe(&ring, &cqe) != 0) return 5;
  printf("%d %s, order %d, %d bytes\n", cqe->res, said, order, bytes);
  io_uring_cqe_seen(&ring, cqe);
  io_uring_queue_exit(&ring);
  remove(name);
  for (int i = 0; i < BLOCKS; i++) free(requests[i].buffer);
  return 0;
}
