# Completion of yizhan and yizhan-verify in bash. tests/lint/commands.py holds it to what the programs take.

_yizhan_files() { mapfile -t COMPREPLY < <(compgen -f -- "$1"); compopt -o filenames 2>/dev/null; }
_yizhan_folders() { mapfile -t COMPREPLY < <(compgen -d -- "$1"); compopt -o filenames 2>/dev/null; }
_yizhan_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }

_yizhan() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  case $before in
    --config | --info | --identity) _yizhan_files "$word"; return ;;
    --data | --pages | --scratch | --authority | --out | --beside | --keys-from) _yizhan_folders "$word"; return ;;
    --log-level) _yizhan_words 'debug info warning error off' "$word"; return ;;
    --address) _yizhan_words '127.0.0.1 0.0.0.0 ::1' "$word"; return ;;
    --from) [ "${COMP_WORDS[1]}" = backup ] && _yizhan_folders "$word"; return ;;
    --port-base | --inner-port-base | --domain | --threads | --plain-xmpp | --bench-people | --partition | --host | --number | --until) return ;;
  esac
  local keys='--config --data --pages --address --port-base --inner-port-base --domain --threads --log-level --no-demonstration --help'
  if [ "$COMP_CWORD" = 1 ]; then _yizhan_words 'run prepare serve config cluster backup ledger --help --version' "$word"; return; fi
  case ${COMP_WORDS[1]} in
    run) _yizhan_words "$keys --processes --info --plain-xmpp --bench-people" "$word" ;;
    prepare) _yizhan_words "$keys --renew" "$word" ;;
    serve)
      if [ "$COMP_CWORD" = 2 ] && [[ $word != -* ]]; then _yizhan_words 'directory im desk audit admin edge' "$word"; return; fi
      _yizhan_words "$keys --info --plain-xmpp --bench-people" "$word" ;;
    config)
      if [ "$COMP_CWORD" = 2 ]; then _yizhan_words 'check print --help' "$word"; return; fi
      case ${COMP_WORDS[2]} in
        check) if [[ $word == -* ]]; then _yizhan_words --help "$word"; else _yizhan_files "$word"; fi ;;
        print) _yizhan_words "$keys" "$word" ;;
      esac ;;
    cluster)
      if [ "$COMP_CWORD" = 2 ]; then _yizhan_words 'authority certificate add remove status drain resume --help' "$word"; return; fi
      case ${COMP_WORDS[2]} in
        authority) if [[ $word == -* ]]; then _yizhan_words --help "$word"; else _yizhan_folders "$word"; fi ;;
        certificate) _yizhan_words '--authority --host --out --help' "$word" ;;
        status) _yizhan_words '--config --json --help' "$word" ;;
        add) _yizhan_words '--address --authority --config --out --help' "$word" ;;
        drain | resume | remove) _yizhan_words '--config --help' "$word" ;;
      esac ;;
    backup)
      if [ "$COMP_CWORD" = 2 ]; then _yizhan_words 'key list check verify restore --help' "$word"; return; fi
      case ${COMP_WORDS[2]} in
        key) _yizhan_words '--out --help' "$word" ;;
        list) _yizhan_words '--config --from --keys-from --json --help' "$word" ;;
        check) _yizhan_words '--config --from --keys-from --number --help' "$word" ;;
        verify) _yizhan_words '--config --from --keys-from --number --identity --scratch --help' "$word" ;;
        restore) _yizhan_words '--config --from --keys-from --number --identity --data --until --beside --help' "$word" ;;
      esac ;;
    ledger)
      if [ "$COMP_CWORD" = 2 ]; then _yizhan_words 'dump verify replay --help' "$word"; return; fi
      _yizhan_words '--data --partition --from --json --scratch' "$word" ;;
  esac
}

_yizhan_verify() {
  local word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  if [ "${COMP_WORDS[COMP_CWORD - 1]}" = --key ]; then _yizhan_files "$word"
  elif [[ $word == -* ]]; then _yizhan_words '--key --json --help' "$word"
  else _yizhan_folders "$word"; fi
}

complete -F _yizhan yizhan
complete -F _yizhan_verify yizhan-verify
