# A key for gravix suggest in fish: it replaces what is typed with a command that does
# it, and runs nothing.

function __gravix_suggest
    set -l line (commandline | string collect)
    string match --quiet --regex '\S' -- "$line"; or return
    # Ctrl-C ends gravix, but not this function.
    function __gravix_interrupted --on-signal INT
    end
    # What gravix says goes below the line, as with fish's own keys.
    echo >&2
    set -l command (command gravix suggest --shell fish -- "$line")
    and commandline --replace -- "$command"
    functions --erase __gravix_interrupted
    # A prompt of several lines is drawn further up.
    for line in (fish_prompt)[2..]
        echo >&2
    end
    commandline --function repaint
end

if status is-interactive
    # As if it were typed without quotes.
    set -l key (string unescape -- @KEY@)
    bind -- $key __gravix_suggest
    bind --mode insert -- $key __gravix_suggest
end
