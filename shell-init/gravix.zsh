# A key for gravix suggest in zsh: it replaces what is typed with a command that does
# it, and runs nothing.

__gravix_suggest() {
    emulate -L zsh
    setopt local_traps
    [[ $BUFFER == *[^[:space:]]* ]] || return 0
    local answer
    # Ctrl-C ends gravix, but not the line.
    trap : INT
    zle -R 'gravix: waiting for the reply'
    if answer=$(command gravix suggest --quiet --shell zsh -- "$BUFFER" 2>&1); then
        BUFFER=$answer
        CURSOR=$#BUFFER
        zle -R
    else
        zle -M "$answer"
    fi
}

if [[ -o interactive ]]; then
    zle -N __gravix_suggest
    bindkey -M emacs -- @KEY@ __gravix_suggest
    bindkey -M viins -- @KEY@ __gravix_suggest
fi
