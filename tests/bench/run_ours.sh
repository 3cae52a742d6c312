#!/usr/bin/env bash
# How the load program starts this product: run_ours.sh start|stop|kill9|restart|base. Environment: CPU, PORT, YIZHAN (the binary), N (people).
set -eu
P=$(cd "$(dirname "$0")" && pwd); R=$P/run/ours; mkdir -p "$R"; PORT=${PORT:-15522}; CPU=${CPU:-0}; N=${N:-19000}
go() {
  ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
  rm -f "$R/info.json" "$R/archive.json"
  setsid taskset -c "$CPU" "$YIZHAN" run --data "$R/data" --domain localhost --plain-xmpp "$PORT" --port-base 0 --bench-people "$N" --no-demonstration \
    --info "$R/info.json" >"$R/out.log" 2>&1 &
  echo $! >"$R/pid"
  for _ in $(seq 600); do [ -f "$R/info.json" ] && break; sleep .1; done
  mkdir -p "$P/results"
  [ -f "$R/info.json" ] && setsid taskset -c "${LOADCPU:-1}" python3 "$P/watch_archive.py" "$R/info.json" "$(cat "$R/pid")" "$R/archive.json" >/dev/null 2>&1 &
  cat "$R/pid"
}
stop() {
  p=$(cat "$R/pid" 2>/dev/null) || return 0
  # The archive's lag once the load has ended; 0 within 5 s is what is asked.
  [ ! -f "$R/archive.json" ] || echo "{\"watched\": $(cat "$R/archive.json"), \"lag_at_end\": $(python3 "$P/watch_archive.py" final "$R/info.json" || echo null)}" >>"$P/results/ours.archive.jsonl"
  kill -TERM "$p" 2>/dev/null || return 0
  for _ in $(seq 100); do kill -0 "$p" 2>/dev/null || break; sleep .1; done
  kill -KILL "$p" 2>/dev/null || true
  rm -f "$R/pid"
}
case $1 in
  base) rm -rf "$R" "$P/run/base-ours"; mkdir -p "$R"; go; rm -f "$R/archive.json"; stop; cp -a "$R/data" "$P/run/base-ours" ;;
  start) rm -rf "$R/data"; [ -d "$P/run/base-ours" ] && cp -a "$P/run/base-ours" "$R/data"; go ;;
  restart) go ;;
  kill9) kill -KILL "$(cat "$R/pid")"; rm -f "$R/pid"; sleep 1 ;;
  stop) stop ;;
esac
