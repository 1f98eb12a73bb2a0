# Recipes of the programs with threads and of the servers, to be sourced by build.sh. As there: each runs in the unpacked
# tree, gets the libraries of libraries.sh from the prefix $P, and leaves the program's path in `built`.
# shellcheck shell=bash disable=SC2317,SC2034

build_pigz() {
  run_make pigz CC="$CC" CFLAGS="$CFLAGS -I$P/include" LDFLAGS="$LDFLAGS -L$P/lib"
  built=pigz
}
build_zstd() {
  # Without its assembler file: that is not bitcode, and only some compilers take it.
  run_make -C programs zstd CC="$CC" CFLAGS="$CFLAGS -DZSTD_DISABLE_ASM=1" LDFLAGS="$LDFLAGS" ZSTD_LEGACY_SUPPORT=0 \
    HAVE_THREAD=1 HAVE_ZLIB=0 HAVE_LZMA=0 HAVE_LZ4=0 BUILD_DIR=
  built=programs/zstd
}
build_bdb() {
  cd build_unix
  # Mutexes by pthreads; its own assembler (test-and-set, atomics) has no meaning for an analysis of bitcode.
  ../dist/configure -q --with-mutex=POSIX/pthreads --disable-atomicsupport --disable-shared --enable-static
  run_make libdb-5.3.a
  # The compiler and its flags are lists of words.
  # shellcheck disable=SC2086
  $CC $CFLAGS -I. -pthread -o bdb-load "$here/bdb-load.c" $LDFLAGS libdb-5.3.a
  cd ..
  built=build_unix/bdb-load
}
build_memcached() {
  ./configure -q --disable-dependency-tracking --disable-docs --disable-extstore --disable-coverage --with-libevent="$P"
  run_make memcached
  built=memcached
}
httpd_with() {
  # The modules that Debian enables, but for mod_deflate and what needs a database.
  sed -i 's,BUILD_DATETIME,"reproducible",' server/buildmark.c
  # It may run as root, as tests in containers do.
  CPPFLAGS="-I$P/include -DBIG_SECURITY_HOLE" LDFLAGS="$LDFLAGS -L$P/lib" ./configure -q --with-apr="$P" --with-apr-util="$P" \
    --with-pcre="$P/bin/pcre2-config" --with-z="$P" --with-mpm="$1" --disable-so --disable-ssl --disable-lua --disable-ldap \
    --enable-modules=none --enable-mods-shared=none \
    --enable-mods-static="access_compat alias auth_basic authn_core authn_file authz_core authz_host authz_user autoindex dir env filter headers log_config mime negotiation reqtimeout setenvif status unixd version"
  # The server alone: each helper program would be a whole link.
  run_make -C srclib
  run_make -C os
  run_make -C server
  run_make -C modules
  run_make httpd
  built=httpd
}
build_httpd() { httpd_with event; }
build_httpd-prefork() { httpd_with prefork; }
build_redis() {
  # Its Makefiles put the compiler's flags together themselves.
  env -u CFLAGS make -j"$JOBS" -C src V=1 MALLOC=libc BUILD_TLS=no USE_SYSTEMD=no CC="$CC" AR="$AR" RANLIB="$RANLIB" \
    REDIS_LDFLAGS="$LDFLAGS" OPTIMIZATION=-O2 redis-server
  built=src/redis-server
}
# What others measure these servers with. They are not recorded: build them plain.
build_redis-benchmark() {
  env -u CFLAGS make -j"$JOBS" -C src V=1 MALLOC=libc BUILD_TLS=no USE_SYSTEMD=no CC="$CC" AR="$AR" RANLIB="$RANLIB" \
    REDIS_LDFLAGS="$LDFLAGS" OPTIMIZATION=-O2 redis-benchmark
  built=src/redis-benchmark
}
build_ab() {
  httpd_with event
  run_make -C support ab
  built=support/ab
}
build_nginx() {
  local flags=''
  case $CC in *' '*) flags=${CC#* } ;; esac
  PATH=$P/bin:$PATH ./configure --with-cc="${CC%% *}" --with-cc-opt="$flags $CFLAGS -I$P/include" \
    --with-ld-opt="$LDFLAGS -L$P/lib" --with-threads --with-http_realip_module --with-http_stub_status_module
  run_make
  built=objs/nginx
}
