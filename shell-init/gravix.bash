# A key for gravix suggest in bash: it replaces what is typed with a command that does
# it, and runs nothing.

__gravix_suggest() {
    local command trap
    [[ ${READLINE_LINE-} == *[![:space:]]* ]] || return 0
    # Ctrl-C ends gravix, but not the line.
    trap=$(trap -p INT)
    trap : INT
    if command=$(command gravix suggest --shell bash -- "$READLINE_LINE"); then
        READLINE_LINE=$command
        # Some versions count bytes, others characters. Too many is the end for both.
        READLINE_POINT=999999
    fi
    eval "${trap:-trap - INT}"
}

if [[ $- == *i* ]]; then
    if ((BASH_VERSINFO[0] >= 4)); then
        bind -m emacs-standard -x @KEY@
        bind -m vi-insert -x @KEY@
    else
        echo 'gravix: the key needs bash 4 or later' >&2
    fi
fi
