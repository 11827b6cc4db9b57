# Completions of gravix for bash. gravix says itself what may stand at the cursor.

_gravix() {
    local answer head rest kind prefix candidate
    COMPREPLY=()
    answer=$(command gravix __complete bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2> /dev/null) || return
    # The first line is KIND, PREFIX and a label, each line behind it a candidate.
    head=${answer%%$'\n'*}
    kind=${head%%$'\t'*}
    prefix=${head#*$'\t'}
    prefix=${prefix%%$'\t'*}
    rest=${answer#"$head"}
    while IFS= read -r candidate; do
        [[ -z $candidate ]] || COMPREPLY+=("$candidate")
    done <<< "$rest"
    # compopt came with bash 4.
    case $kind in
        files)
            if [[ -n $prefix && $2 == "$prefix"* ]]; then
                # A value in the same word as its option, as in -fFILE.
                while IFS= read -r candidate; do
                    [[ -z $candidate ]] || COMPREPLY+=("$prefix$candidate")
                done <<< "$(compgen -f -- "${2#"$prefix"}")"
                compopt -o filenames 2> /dev/null
            elif [[ ${#COMPREPLY[@]} -gt 0 ]]; then
                while IFS= read -r candidate; do
                    [[ -z $candidate ]] || COMPREPLY+=("$candidate")
                done <<< "$(compgen -f -- "$2")"
                compopt -o filenames 2> /dev/null
            else
                compopt -o default 2> /dev/null
            fi
            ;;
        directories)
            compopt -o dirnames 2> /dev/null
            ;;
    esac
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2> /dev/null
    fi
}

complete -F _gravix gravix
