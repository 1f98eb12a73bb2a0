# The workloads of servers and of programs with threads, to be sourced by workloads.sh; the names and what they mean are there.
# A server's workload sets W_KIND=server in w_cmd: CMD is the server, in the foreground. w_run starts it, sends the load
# (w_load), has it end by its own means (w_halt) and gives its exit status; what the load said is in $W_RUN/load.
# The files of a server (configuration, logs, pid) are in $W_RUN/out/server, put aside as $W_RUN/served by w_post.
# shellcheck shell=bash disable=SC2034

threaded_names() {
  case $1 in
    small)
      printf '%s.small\n' pigz pigz-unpack zstd zstd-unpack bdb memcached redis redis-threads redis-strings redis-saves httpd-x httpd httpd-mmap prefork \
        nginx-single nginx
      ;;
    bench)
      printf '%s.bench\n' pigz zstd bdb memcached redis redis-threads httpd-x httpd httpd-1m httpd-mmap-1m prefork nginx nginx-1m \
        redis-tool httpd-ab httpd-ab-1m
      ;;
  esac
}

threaded_program() {
  case $1 in
    prefork) echo httpd-prefork ;;
    *) echo "${1%%-*}" ;;
  esac
}

threaded_setup() {
  local d=$W_DATA
  tool load "$W_HERE/load.c"
  tool strings-load "$W_HERE/strings-load.c"
  case $1 in
    pigz*.small | zstd*.small)
      make_once "$d/small/text" gen text 1000000 1
      make_once "$d/small/text3" gen text 3000000 2
      make_once "$d/small/text.gz" gzip -9nc "$d/small/text"
      make_once "$d/small/text.zst" "$W_PLAIN/zstd" -qc "$d/small/text"
      ;;
    pigz.bench | zstd.bench) make_once "$d/bench/text100" gen text 100000000 1 ;;
    httpd* | prefork* | nginx*)
      make_once "$d/www/f10k" gen text 10240 21
      make_once "$d/www/f1m" gen text 1048576 22
      ;;
  esac
}

# Sets W_PORT to one that is free, once: it is part of the command lines.
choose_port() {
  if [ "$W_PORT" = 0 ]; then W_PORT=$("$W_DATA/tools/load" free-port); fi
}

threaded_pre() {
  case $1 in
    memcached* | redis* | httpd* | prefork* | nginx*) choose_port ;;
    *) return 0 ;;
  esac
  mkdir -p "$W_RUN/out/server"
  case $1 in
    httpd* | prefork*) httpd_configuration "$1" >"$W_RUN/out/server/httpd.conf" ;;
    nginx*) nginx_configuration "$1" >"$W_RUN/out/server/nginx.conf" ;;
  esac
}

httpd_configuration() {
  local s=$W_RUN/out/server mmap=Off
  case $1 in *-mmap*) mmap=On ;; esac
  cat <<END
ServerRoot $s
ServerName localhost
Listen 127.0.0.1:$W_PORT
PidFile $s/pid
DefaultRuntimeDir $s
ErrorLog $s/error.log
TypesConfig /dev/null
User root
Group root
DocumentRoot $W_DATA/www
<Directory />
  AllowOverride None
  Require all granted
</Directory>
EnableSendfile On
EnableMMAP $mmap
StartServers 1
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
LogFormat "%h %l %u %t \"%r\" %>s %B" c
CustomLog $s/access.log c
<IfModule mpm_event_module>
  ServerLimit 1
  ThreadLimit 25
  ThreadsPerChild 25
  MaxRequestWorkers 25
  MinSpareThreads 1
  MaxSpareThreads 25
</IfModule>
<IfModule mpm_prefork_module>
  StartServers 3
  MinSpareServers 1
  MaxSpareServers 10
  ServerLimit 10
  MaxRequestWorkers 10
</IfModule>
END
}

nginx_configuration() {
  local s=$W_RUN/out/server master=on
  case $1 in nginx-single*) master=off ;; esac
  cat <<END
user root;
worker_processes 1;
daemon off;
master_process $master;
pid $s/pid;
error_log $s/error.log notice;
events { worker_connections 64; }
http {
  access_log $s/access.log;
  sendfile on;
  keepalive_requests 1000000;
  client_body_temp_path $s/tmp; proxy_temp_path $s/tmp; fastcgi_temp_path $s/tmp; uwsgi_temp_path $s/tmp; scgi_temp_path $s/tmp;
  server { listen 127.0.0.1:$W_PORT; root $W_DATA/www; }
}
END
}

threaded_cmd() {
  local d=$W_DATA o=$W_RUN/out b=$2 s=$W_RUN/out/server
  case $1 in
    memcached* | redis* | httpd* | prefork* | nginx*) W_KIND=server ;;
  esac
  case $1 in
    pigz.small) CMD=("$b" -p 2 -6 -n -b 128 -c "$d/small/text") ;;
    pigz-unpack.small) CMD=("$b" -p 2 -d -c "$d/small/text.gz") ;;
    pigz.bench) CMD=("$b" -p 2 -6 -n -c "$d/bench/text100") ;;
    zstd.small) CMD=("$b" -q -T2 -B524288 -3 -c "$d/small/text3") ;;
    zstd-unpack.small) CMD=("$b" -q -T2 -d -c "$d/small/text.zst") ;;
    zstd.bench) CMD=("$b" -q -T2 -6 -c "$d/bench/text100") ;;
    bdb.small) CMD=("$b" "$o" 8000 4) ;;
    bdb.bench) CMD=("$b" "$o" 300000 4) ;;
    memcached.*) CMD=("$b" -u root -l 127.0.0.1 -p "$W_PORT" -U 0 -t 2 -m 64 -A) ;;
    redis*)
      CMD=("$b" --port "$W_PORT" --bind 127.0.0.1 --save '' --appendonly no --dir "$s" --pidfile "$s/pid" --loglevel notice)
      case $1 in redis-threads* | redis-saves*) CMD+=(--io-threads 2 --io-threads-do-reads yes) ;; esac
      # Its children print, too.
      case $1 in redis-saves*) CMD+=(--logfile "$s/log") ;; esac
      ;;
    httpd-x.*) CMD=("$b" -X -f "$s/httpd.conf") ;;
    httpd.* | httpd-1m.* | httpd-ab*.* | httpd-mmap*.* | prefork.*) CMD=("$b" -DFOREGROUND -f "$s/httpd.conf") ;;
    nginx*) CMD=("$b" -p "$s" -c "$s/nginx.conf") ;;
    *) return 2 ;;
  esac
}

# load_of REQUESTS COMMAND...: a load by a program that is not ours (ab, redis-benchmark), in the form of our own's output. What
# it must not say is in $W_BAD.
load_of() {
  local requests=$1 said i
  shift
  # They do not wait for a server that is still starting.
  for ((i = 0; i < 500; i++)); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$W_PORT") 2>/dev/null; then break; fi
    sleep 0.02
  done
  said=$(TIMEFORMAT='took %R %U %S'; { time timeout -k 5 "${W_SECONDS:-60}" "$@"; } 2>&1 </dev/null) || { echo "$said"; return 1; }
  if grep -qE "$W_BAD" <<<"$said"; then echo "$said"; return 1; fi
  awk -v n="$requests" '$1 == "took" { printf "%d requests in %s s, %.3f s of CPU\n", n, $2, $3 + $4 }' <<<"$said"
}

# redis_saves: has redis-server write its keys to a file by a child process, and to another one by a second.
redis_saves() {
  local command answer i
  exec 4<>"/dev/tcp/127.0.0.1/$W_PORT" || return 1
  for command in BGSAVE BGREWRITEAOF; do
    printf '%s\r\n' $command >&4
    IFS= read -r -t 10 answer <&4 || return 1
    case $answer in +Background*) ;; *) echo "$answer"; return 1 ;; esac
    for ((i = 0; i < 500; i++)); do
      case $(saved_by) in *"$command"*) break ;; esac
      sleep 0.02
    done
  done
  exec 4>&-
}

# What redis-server says that it wrote.
saved_by() {
  local log=$W_RUN/out/server/log
  if grep -q 'Background saving terminated with success' "$log"; then echo BGSAVE; fi
  if grep -q 'Background AOF rewrite finished successfully' "$log"; then echo BGREWRITEAOF; fi
}

# w_load NAME: the load of a server's workload; its output goes to $W_RUN/load.
w_load() {
  local load=$W_DATA/tools/load
  case $1 in
    memcached.small) "$load" memcached "$W_PORT" 8 2000 ;;
    redis-strings.small) "$W_DATA/tools/strings-load" "$W_PORT" 10000 ;;
    redis-saves.small) "$load" redis "$W_PORT" 8 2000 && redis_saves ;;
    redis*.small) "$load" redis "$W_PORT" 8 2000 ;;
    httpd-mmap.small) "$load" http "$W_PORT" 4 100 /f1m && "$load" http "$W_PORT" 4 200 /f10k ;;
    httpd*.small | nginx*.small)
      "$load" http "$W_PORT" 4 400 /f10k && "$load" http-close "$W_PORT" 4 60 /site/c.txt && "$load" http "$W_PORT" 2 10 /f1m
      ;;
    prefork.small) "$load" http "$W_PORT" 3 300 /f10k && "$load" http-close "$W_PORT" 3 60 /site/c.txt ;;
    memcached.bench) "$load" memcached "$W_PORT" 20 200000 ;;
    redis-tool.bench)
      W_BAD='rror' load_of 400000 "$W_PLAIN/redis-benchmark" -h 127.0.0.1 -p "$W_PORT" -n 200000 -c 20 -t set,get -d 64 -r 100000 --csv
      ;;
    httpd-ab.bench | httpd-ab-1m.bench)
      case $1 in
        *-1m.*) W_BAD='^(Failed requests: +[1-9]|Non-2xx)' load_of 4000 "$W_PLAIN/ab" -q -k -n 4000 -c 10 "http://127.0.0.1:$W_PORT/f1m" ;;
        *) W_BAD='^(Failed requests: +[1-9]|Non-2xx)' load_of 20000 "$W_PLAIN/ab" -q -k -n 20000 -c 10 "http://127.0.0.1:$W_PORT/f10k" ;;
      esac
      ;;
    redis*.bench) "$load" redis "$W_PORT" 20 400000 ;;
    *-1m.bench) "$load" http "$W_PORT" 10 4000 /f1m ;;
    httpd*.bench | nginx.bench) "$load" http "$W_PORT" 10 20000 /f10k ;;
    prefork.bench) "$load" http "$W_PORT" 5 20000 /f10k ;;
    *) return 2 ;;
  esac
}

# w_halt NAME: tells the server to end, as its users do.
w_halt() {
  case $1 in
    memcached.*) (exec 3<>"/dev/tcp/127.0.0.1/$W_PORT" && printf 'shutdown\r\n' >&3) ;;
    nginx*) kill -QUIT "$(cat "$W_RUN/out/server/pid")" ;;
    *) kill -TERM "$(cat "$W_RUN/out/server/pid")" ;;
  esac
}

# w_processes NAME: how many processes a workload records, at least and at most.
w_processes() {
  case $1 in
    # Three children at the start; while all of them serve, there may be more.
    prefork.*) echo 4 11 ;;
    httpd-x.* | nginx-single.*) echo 1 1 ;;
    httpd*.* | nginx*.*) echo 2 2 ;;
    redis-saves.*) echo 3 3 ;;
    *) echo 1 1 ;;
  esac
}

# statuses_of FILE: how many requests of an access log had which status.
statuses_of() { grep -oE '" [0-9]{3} [0-9]+' "$1" | sort | uniq -c; }

threaded_post() {
  local d=$W_DATA o=$W_RUN/out out=$W_RUN/stdout
  case $1 in
    pigz.small) unpacks_to gzip "$out" "$d/small/text" ;;
    pigz-unpack.small | zstd-unpack.small) cmp -s "$out" "$d/small/text" ;;
    zstd.small) "$W_PLAIN/zstd" -qdc "$out" | cmp -s - "$d/small/text3" ;;
    pigz.bench) expected "$1" "$out" unpacks_to gzip "$out" "$d/bench/text100" ;;
    zstd.bench) expected "$1" "$out" test -s "$out" ;;
    bdb.*) expected "$1" "$out" grep -q '^found=' "$out" && [ -s "$o/tree.db" ] && mv "$o/tree.db" "$W_RUN/tree.db" ;;
    *)
      rm -rf "$W_RUN/served"
      mv "$o/server" "$W_RUN/served"
      # How many keys were found depends on the order in which connections were served.
      sed -E -e 's/ in [0-9.]+ s.*//' -e '/^[0-9]+ hits$/d' "$W_RUN/load" >"$o/load"
      if [ -f "$W_RUN/served/access.log" ]; then statuses_of "$W_RUN/served/access.log" >"$o/statuses"; fi
      case $1 in
        redis-saves.*) [ "$(grep -cE 'Background (saving terminated with|AOF rewrite finished) success' "$W_RUN/served/log")" = 2 ] || return 1 ;;
      esac
      case $1 in
        # A server that keeps nothing answers, too.
        memcached.* | redis.* | redis-threads.* | redis-saves.*) grep -qE '^[1-9][0-9]* hits$' "$W_RUN/load" || return 1 ;;
      esac
      grep -q ' requests$' "$o/load"
      ;;
  esac
}

threaded_normalise() {
  case $1 in
    # Pids and times begin its lines, and some tell a time taken.
    redis*) sed -E -e 's/^[0-9]+:[A-Z] [^*#]*//' -e 's/^[0-9]+:signal-handler \([0-9]+\) //' -e 's/pid=[0-9]+/pid=PID/' -e 's/PID: [0-9]+/PID/' -e 's/[0-9.]+ seconds/TIME/' ;;
    httpd* | prefork*) sed -E -e 's/^\[[^]]*\] //' -e 's/\[pid [^]]*\]/[PID]/' ;;
    *) cat ;;
  esac
}

# serve NAME [PREFIX...]: what w_run does for a server. Sets W_TOOK to the seconds of its loads.
serve() {
  local name=$1 pid status=0 good=yes
  shift
  (cd "$W_RUN" && exec timeout -k 5 "${W_SECONDS:-60}" "$@" "${CMD[@]}") <"$W_STDIN" >"$W_RUN/stdout" 2>"$W_RUN/stderr" &
  pid=$!
  W_SERVER=$pid
  w_load "$name" >"$W_RUN/load" 2>&1 || good=no
  # A load that failed leaves a server that may not know how to end.
  if [ "$good" = yes ]; then w_halt "$name" 2>>"$W_RUN/load" || good=no; fi
  if [ "$good" = no ]; then kill "$pid" 2>/dev/null || true; fi
  wait "$pid" || status=$?
  W_SERVER=''
  W_TOOK=$(awk '/ requests in / { s += $4 } END { print s + 0 }' "$W_RUN/load")
  if [ "$good" = no ]; then
    echo "the load failed:" >>"$W_RUN/stderr"
    cat "$W_RUN/load" >>"$W_RUN/stderr"
    if [ "$status" -eq 0 ]; then status=1; fi
  fi
  return "$status"
}
