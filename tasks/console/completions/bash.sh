# Completion of expert-retrieval, and of luigi --module tasks, in bash.
@COMMON@
__er_complete() {
    local current="${COMP_WORDS[COMP_CWORD]}" previous="" task="" project="" module="" index word before
    COMPREPLY=()
    if [ "$1" = expert-retrieval ]; then module=tasks; fi
    for ((index = 1; index < COMP_CWORD; index++)); do
        word="${COMP_WORDS[index]}"
        case "${COMP_WORDS[index - 1]}" in
            --module) module="$word" ;;
            --project) project="$word" ;;
        esac
        case "$word" in
            [A-Z]*) [ -n "$task" ] || task="$word" ;;
            completion) [ "$index" = 1 ] && task=completion ;;
        esac
    done
    if [ "$module" != tasks ]; then
        COMPREPLY=($(compgen -W "--module tasks" -- "$current"))
        return
    fi
    # bash takes --split=test for three words.
    previous="${COMP_WORDS[COMP_CWORD - 1]}"
    if [ "$current" = "=" ]; then
        current=""
    elif [ "$previous" = "=" ]; then
        previous="${COMP_WORDS[COMP_CWORD - 2]}"
    fi
    if [ "$task" = completion ]; then
        COMPREPLY=($(compgen -W "bash zsh fish" -- "$current"))
        return
    fi
    case "$previous" in
        --*)
            case "$(__er_value "$task" "$previous")" in
                -) ;;
                @files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
                @folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
                *)
                    # Names with commas between: the last one is completed.
                    case "$current" in
                        *,*) before="${current%,*}," ;;
                    esac
                    mapfile -t COMPREPLY < <(compgen -P "$before" -W "$(__er_candidates "$task" "$previous" "$project")" \
                        -- "${current##*,}")
                    return
                    ;;
            esac
            ;;
    esac
    if [ -z "$task" ] && [ "${current#-}" = "$current" ]; then
        COMPREPLY=($(compgen -W "$(__er_tasks)" -- "$current"))
    else
        COMPREPLY=($(compgen -W "$(__er_options "$task")" -- "$current"))
    fi
}
complete -F __er_complete expert-retrieval luigi
