# Recipes of the libraries that programs of sources.tsv link, to be sourced: static, into the prefix $P, built like the
# programs themselves, so that their code is part of the program's. Parameters (variables): P CC CFLAGS AR RANLIB run_make.
# Each runs in the library's unpacked tree. They are called by a name made at run time.
# shellcheck shell=bash disable=SC2317

# libraries PROGRAM: the libraries of a program, in the order in which they are built.
libraries() {
  case $1 in
    pigz) echo zlib ;;
    memcached) echo libevent ;;
    nginx) echo zlib pcre2 ;;
    httpd | httpd-prefork | ab) echo zlib pcre2 expat apr apr-util ;;
  esac
}

build_zlib() {
  ./configure --static --prefix="$P"
  run_make libz.a
  make install
}
build_pcre2() {
  ./configure -q --prefix="$P" --disable-shared --disable-dependency-tracking
  run_make libpcre2-8.la libpcre2-posix.la pcre2-config
  make install-libLTLIBRARIES install-nodist_includeHEADERS install-includeHEADERS install-binSCRIPTS
}
build_expat() {
  # Debian's tree has no configure script.
  cd expat/lib
  # The compiler and its flags are lists of words.
  # shellcheck disable=SC2086
  $CC $CFLAGS -DXML_DTD=1 -DXML_GE=1 -DXML_NS=1 -DXML_CONTEXT_BYTES=1024 -DXML_DEV_URANDOM -DHAVE_MEMMOVE -DBYTEORDER=1234 -I. -c xmlparse.c xmlrole.c xmltok.c
  mkdir -p "$P/lib" "$P/include"
  rm -f "$P/lib/libexpat.a"
  "$AR" rcs "$P/lib/libexpat.a" xmlparse.o xmlrole.o xmltok.o
  cp expat.h expat_external.h "$P/include"
}
build_apr() {
  ./configure -q --prefix="$P" --disable-shared --enable-static
  run_make
  make install
}
build_apr-util() {
  ./configure -q --prefix="$P" --with-apr="$P" --with-expat="$P" --disable-util-dso --without-pgsql --without-sqlite3 --without-odbc \
    --without-mysql --without-oracle --without-gdbm --without-ndbm --without-berkeley-db --without-crypto
  run_make
  make install
}
build_libevent() {
  ./configure -q --prefix="$P" --disable-shared --enable-static --disable-openssl --disable-samples --disable-libevent-regress \
    --disable-dependency-tracking
  run_make
  make install
}
