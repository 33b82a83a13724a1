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
      --socket | --since | --container | --journal | --unused-for | --format | --for | --reason | --output | -o | --image | --image-a | --image-b | --platform | --alerts) ((i++)) ;;
      -*) ;;
      *) words+=("${COMP_WORDS[i]}") ;;
    esac
  done

  case $prev in
    --socket | --output | -o | --alerts) compopt -o default; return ;;
    --platform) _holdfast_offer $'linux/amd64\nlinux/arm64'; return ;;
    --image | --image-a | --image-b) return ;;
    --journal) compopt -o dirnames; return ;;
    --since) _holdfast_offer $'15m\n1h\n1d\ntoday\nyesterday'; return ;;
    --for) _holdfast_offer $'15m\n1h\n4h\n1d'; return ;;
    --alerts) compopt -o default; return ;;
    --reason) return ;;
    --unused-for) _holdfast_offer $'12h\n7d\n30d'; return ;;
    --format) _holdfast_offer $'openmetrics\nprometheus'; return ;;
    --container) _holdfast_offer "$(_holdfast_containers)"; return ;;
  esac

  local command=${words[0]-} second=${words[1]-}
  if [[ $cur == -* ]]; then
    case "$command $second" in
      'alerts '*) _holdfast_offer $'--follow\n--since\n--container\n--evidence\n--journal\n--alerts\n--check\n'"$global" ;;
      'metrics '*) _holdfast_offer $'--format\n'"$global" ;;
      'baseline rebuild') _holdfast_offer $'--all\n'"$global" ;;
      'policy replay') _holdfast_offer $'--alerts\n'"$global" ;;
      'policy suggest') _holdfast_offer $'--alerts\n--since\n--journal\n'"$global" ;;
      'mode '*) _holdfast_offer $'--for\n--reason\n--end\n'"$global" ;;
      'baseline build') _holdfast_offer $'--output\n--image\n--platform\n'"$global" ;;
      'baseline export') _holdfast_offer $'--all\n'"$global" ;;
      'baseline diff') _holdfast_offer $'--image-a\n--image-b\n--platform\n'"$global" ;;
      'baseline prune') _holdfast_offer $'--imported\n--unused-for\n'"$global" ;;
      *) _holdfast_offer "$global" ;;
    esac
    return
  fi
  case "$command $second ${#words[@]}" in
    '  0') _holdfast_offer $'status\ncontainers\nalerts\nexplain\nbaseline\npolicy\nmode\nmetrics' ;;
    'baseline  1') _holdfast_offer $'list\nshow\nverify\nrebuild\nprune\nbuild\ndiff\nexport\nimport' ;;
    'policy  1') _holdfast_offer $'check\nlist\nshow\nreload\nreplay\nsuggest' ;;
    'explain  1' | 'mode  1' | 'policy show 2' | 'policy suggest 2') _holdfast_offer "$(_holdfast_containers)" ;;
    'mode '*' 2') _holdfast_offer $'off\ndetect\nprevent' ;;
    'baseline show 2' | 'baseline verify 2') _holdfast_offer "$(_holdfast_baselines)" ;;
    'baseline rebuild 2') _holdfast_offer "$(_holdfast_baselines; _holdfast_containers)" ;;
    'baseline export '*) compopt -o default; _holdfast_offer "$(_holdfast_baselines)" ;;
    'baseline build 2' | 'baseline import 2') compopt -o default ;;
    'baseline diff '[23]) compopt -o default; _holdfast_offer "$(_holdfast_baselines)" ;;
    'policy check '* | 'policy replay '*) compopt -o default ;;
  esac
}

complete -F _holdfast holdfast
