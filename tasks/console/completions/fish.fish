# Completion of expert-retrieval, and of luigi --module tasks, in fish.
function __er_words
    commandline -opc
end

# Whether our tasks are what is typed: luigi needs --module tasks before.
function __er_ours
    set -l words (__er_words)
    string match -q '*expert-retrieval' -- $words[1]; or string match -q '*--module tasks*' -- "$words"
end

function __er_typed_task
    string match -r '^[A-Z]\w*$' -- (__er_words) | head -n 1
end

function __er_task
    __er_ours; and test (__er_typed_task | string collect; or echo '') = $argv[1]
end

function __er_any_task
    __er_ours; and test -n "$(__er_typed_task)"
end

function __er_no_task
    __er_ours; and test -z "$(__er_typed_task)"; and not contains completion (__er_words)
end

# The folder with the YAMLs of the project that was typed, or that the environment names, or in which one is.
function __er_configs
    set -l words (__er_words)
    set -l at (contains -i -- --project $words)
    if test -n "$at"; and test (count $words) -gt $at
        string replace -r '^~' $HOME -- $words[(math $at + 1)]/@CONFIGS@
        return
    end
    if set -q @VARIABLE@; and test -n "$@VARIABLE@"
        echo $@VARIABLE@/@CONFIGS@
        return
    end
    set -l here $PWD
    while test -n "$here"; and not test -d $here/@CONFIGS@
        set here (string replace -r '/[^/]*$' '' -- $here)
    end
    echo $here/@CONFIGS@
end

function __er_names
    set -l configs (__er_configs)
    set -l folders $configs/$argv[1]
    test -f $configs/@INHERITS@; and set -a folders '@SHIPPED@'/$argv[1]
    find -L $folders -maxdepth 1 -name '*.yaml' 2>/dev/null | string replace -r '.*/(.*)\.yaml$' '$1' | sort -u
end

# Candidates of a kind; of names with commas between, the last one is completed.
function __er_list
    set -l before (string match -r '.*,' -- (commandline -ct))
    if test $argv[1] = networks
        set -l names experts/(__er_names experts) text/(__er_names text)
        printf "$before%s\n" $names
    else
        set -l names (__er_names $argv[1])
        test (count $names) -gt 0; and printf "$before%s\n" $names
    end
    return 0
end

function __er_complete
    complete -c expert-retrieval $argv
    complete -c luigi $argv
end

complete -c expert-retrieval -f
complete -c luigi -f
complete -c luigi -n 'not __er_ours' -l module -x -a tasks
__er_complete -n __er_no_task -a '@TASKS@'
__er_complete -n '__er_ours; and contains completion (__er_words)' -a 'bash zsh fish'
@OPTIONS@
