#compdef expert-retrieval luigi
# Completion of expert-retrieval, and of luigi --module tasks, in zsh.
@COMMON@
__er_complete() {
    local current="${words[CURRENT]}" previous="${words[CURRENT-1]}" task="" project="" module="" index word value
    [[ "${words[1]:t}" = expert-retrieval ]] && module=tasks
    for ((index = 2; index < CURRENT; index++)); do
        word="${words[index]}"
        case "${words[index-1]}" in
            --module) module="$word" ;;
            --project) project="$word" ;;
        esac
        case "$word" in
            [A-Z]*) [[ -n "$task" ]] || task="$word" ;;
            completion) [[ "$index" = 2 ]] && task=completion ;;
        esac
    done
    if [[ "$module" != tasks ]]; then
        compadd -- --module tasks
        return
    fi
    if [[ "$task" = completion ]]; then
        compadd -- bash zsh fish
        return
    fi
    if [[ "$current" = --*=* ]]; then
        previous="${current%%=*}"
        compset -P '*='
    fi
    if [[ "$previous" = --* ]]; then
        value="$(__er_value "$task" "$previous")"
        case "$value" in
            -) ;;
            @files) _files; return ;;
            @folders) _files -/; return ;;
            *)
                # Names with commas between: the last one is completed.
                compset -P '*,'
                compadd -- ${(f)"$(__er_candidates "$task" "$previous" "$project")"}
                return
                ;;
        esac
    fi
    if [[ -z "$task" && "$current" != -* ]]; then
        compadd -- ${=$(__er_tasks)}
    else
        compadd -- ${=$(__er_options "$task")}
    fi
}
compdef __er_complete expert-retrieval luigi
