# bash completion for holdfast(1)

# Names of containers come from whoever starts them: only harmless ones are offered, and none is ever expanded.
_holdfast_containers() {
  holdfast containers --json 2>/dev/null |
    grep -oE '"(id|name)":"[A-Za-z0-9][A-Za-z0-9_.-]*"' | cut -d'"' -f4
}

_holdfast_baselines() {
  holdfast baseline list --json 2>/dev/null | grep -oE '"id":"[0-9a-f]+"' | cut -d'"' -f4 | cut -c1-12
}

_holdfast_offer() { # words, one a line
  local word
  while IFS= read -r word; do
    [[ -n $word && $word == "$cur"* ]] && COMPREPLY+=("$word")
  done <<<"$1"
}

_holdfast() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  local global=$'--json\n--socket\n--help\n--version' words=() i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --socket | --since | --container | --journal | --unused-for) ((i++)) ;;
      -*) ;;
      *) words+=("${COMP_WORDS[i]}") ;;
    esac
  done

  case $prev in
    --socket) compopt -o default; return ;;
    --journal) compopt -o dirnames; return ;;
    --since) _holdfast_offer $'15m\n1h\n1d\ntoday\nyesterday'; return ;;
    --unused-for) _holdfast_offer $'12h\n7d\n30d'; return ;;
    --container) _holdfast_offer "$(_holdfast_containers)"; return ;;
  esac

  local command=${words[0]-} second=${words[1]-}
  if [[ $cur == -* ]]; then
    case "$command $second" in
      'alerts '*) _holdfast_offer $'--follow\n--since\n--container\n--journal\n'"$global" ;;
      'baseline rebuild') _holdfast_offer $'--all\n'"$global" ;;
      'baseline prune') _holdfast_offer $'--unused-for\n'"$global" ;;
      *) _holdfast_offer "$global" ;;
    esac
    return
  fi
  case "$command $second ${#words[@]}" in
    '  0') _holdfast_offer $'status\ncontainers\nalerts\nexplain\nbaseline\npolicy\nmetrics' ;;
    'baseline  1') _holdfast_offer $'list\nshow\nverify\nrebuild\nprune' ;;
    'policy  1') _holdfast_offer $'check\nlist\nshow\nreload' ;;
    'explain  1' | 'policy show 2') _holdfast_offer "$(_holdfast_containers)" ;;
    'baseline show 2' | 'baseline verify 2') _holdfast_offer "$(_holdfast_baselines)" ;;
    'baseline rebuild 2') _holdfast_offer "$(_holdfast_baselines; _holdfast_containers)" ;;
    'policy check '*) compopt -o default ;;
  esac
}

complete -F _holdfast holdfast
