# Completions of gravix for fish. gravix says itself what may stand at the cursor.

function __gravix_complete
    set -l line (commandline --current-process --cut-at-cursor | string collect)
    set -l answer (command gravix __complete fish -- "$line" 2> /dev/null)
    # The first line is KIND, PREFIX and a label, each line behind it a candidate.
    set -l head (string split \t -- $answer[1])
    set -q head[2]; or return
    if set -q answer[2]
        printf '%s\n' $answer[2..]
    end
    # For a command without a name, fish completes files.
    set -l value (commandline --current-token --cut-at-cursor | string replace -- "$head[2]" '')
    switch $head[1]
        case files
            printf "$head[2]%s\n" (complete -C "'' $value")
        case directories
            printf "$head[2]%s\n" (complete -C "'' $value" | string match '*/')
    end
end

complete --command gravix --no-files --keep-order --arguments '(__gravix_complete)'
