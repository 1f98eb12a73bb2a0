/* neon-get URL FILE: fetches URL with libneon, writes the body to FILE, prints the status line and the body's size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ne_request.h>
#include <ne_session.h>
#include <ne_socket.h>
#include <ne_uri.h>

static char block[65536];

int main(int argc, char **argv)
{
    ne_uri uri;
    FILE *out;
    long total = 0;
    int ret;

    if (argc != 3) {
        fprintf(stderr, "usage: neon-get URL FILE\n");
        return 2;
    }
    memset(&uri, 0, sizeof uri);
    if (ne_uri_parse(argv[1], &uri) != 0 || uri.host == NULL || uri.path == NULL) {
        fprintf(stderr, "neon-get: not a URL: %s\n", argv[1]);
        return 2;
    }
    if (uri.port == 0)
        uri.port = ne_uri_defaultport(uri.scheme);
    if (ne_sock_init() != 0) {
        fprintf(stderr, "neon-get: no socket library\n");
        return 1;
    }
    out = fopen(argv[2], "wb");
    if (out == NULL) {
        perror(argv[2]);
        return 1;
    }

    ne_session *session = ne_session_create(uri.scheme, uri.host, uri.port);
    char *target = malloc(strlen(uri.path) + (uri.query ? strlen(uri.query) + 1 : 0) + 1);
    if (target == NULL)
        abort();
    strcpy(target, uri.path);
    if (uri.query) {
        strcat(target, "?");
        strcat(target, uri.query);
    }
    ne_set_useragent(session, "neon-get/1");
    ne_request *request = ne_request_create(session, "GET", target);

    do {
        ssize_t n;

        ret = ne_begin_request(request);
        if (ret != NE_OK)
            break;
        while ((n = ne_read_response_block(request, block, sizeof block)) > 0) {
            if (fwrite(block, 1, (size_t)n, out) != (size_t)n) {
                perror(argv[2]);
                return 1;
            }
            total += n;
        }
        ret = n < 0 ? NE_ERROR : ne_end_request(request);
    } while (ret == NE_RETRY);

    if (ret != NE_OK) {
        fprintf(stderr, "neon-get: %s\n", ne_get_error(session));
        return 1;
    }
    const ne_status *status = ne_get_status(request);
    const char *type = ne_get_response_header(request, "Content-Type");
    int ok = status->klass == 2;
    printf("%d %s\n%s\n%ld bytes\n", status->code, status->reason_phrase, type ? type : "-", total);

    ne_request_destroy(request);
    ne_session_destroy(session);
    free(target);
    ne_uri_free(&uri);
    ne_sock_exit();
    if (fclose(out) != 0) {
        perror(argv[2]);
        return 1;
    }
    return ok ? 0 : 8;
}
