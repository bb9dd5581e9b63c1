# The folder with the YAMLs of the project that $1 names, or the environment, or in which one is.
__er_configs() {
    local here="${1:-${@VARIABLE@:-$PWD}}"
    case "$here" in
        "~"*) here="$HOME${here#\~}" ;;
    esac
    if [ -n "$1${@VARIABLE@:-}" ]; then
        echo "$here/@CONFIGS@"
        return
    fi
    while [ -n "$here" ] && [ ! -d "$here/@CONFIGS@" ]; do
        here="${here%/*}"
    done
    echo "$here/@CONFIGS@"
}

# One name a line: of the YAMLs in the folder $2 of the project $1, and of those that it inherits.
__er_names() {
    local file configs shipped="" # not "path", which is the search path in zsh
    configs="$(__er_configs "$1")"
    [ -f "$configs/@INHERITS@" ] && shipped='@SHIPPED@'
    find -L "$configs/$2" "${shipped:-$configs}/$2" -maxdepth 1 -name '*.yaml' 2>/dev/null | while IFS= read -r file; do
        file="${file##*/}"
        echo "${file%.yaml}"
    done | sort -u
}

__er_tasks() {
    echo @TASKS@
}

# The options of the task $1, with blanks between.
__er_options() {
    case "$1" in
@OPTIONS@
    esac
    echo @ALWAYS@
}

# What may follow the option $2 of the task $1: - for nothing, @KIND, or words with blanks between.
__er_value() {
    case "$1:$2" in
@VALUES@
        *) [ "$1" = "*" ] || __er_value "*" "$2" ;;
    esac
}

# One candidate a line for the value of the option $2 of the task $1 in the project $3; "@files", "@folders" alone.
__er_candidates() {
    local name value
    value="$(__er_value "$1" "$2")"
    case "$value" in
        @datasets | @models | @experts) __er_names "$3" "${value#@}" ;;
        @networks)
            __er_names "$3" experts | while IFS= read -r name; do echo "experts/$name"; done
            __er_names "$3" text | while IFS= read -r name; do echo "text/$name"; done
            ;;
        @files | @folders) echo "$value" ;;
        *) echo "$value" | tr ' ' '\n' ;;
    esac
}
