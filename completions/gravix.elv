
use builtin;
use str;

set edit:completion:arg-completer[gravix] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'gravix'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'gravix'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand ask 'Ask a question and print the reply'
            cand models 'List the models that the server offers'
            cand history 'Show, check, repair or undo a conversation'
            cand completions 'Print a completion script for a shell'
            cand man 'Print a manual page, as roff'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;ask'= {
            cand -s 'The system prompt'
            cand --system 'The system prompt'
            cand --system-file 'Read the system prompt from FILE'
            cand -m 'The model''s name [env: GRAVIX_MODEL]'
            cand --model 'The model''s name [env: GRAVIX_MODEL]'
            cand -t 'Sampling temperature, 0 to 2'
            cand --temperature 'Sampling temperature, 0 to 2'
            cand --top-p 'Sample from this share of the probability, 0 to 1'
            cand --max-tokens 'End the reply after N tokens'
            cand --stop 'End the reply before TEXT (up to 4 times)'
            cand --seed 'Ask for the same reply each time, as far as possible'
            cand --presence-penalty 'Penalty for tokens that occurred, -2 to 2'
            cand --frequency-penalty 'Penalty by how often tokens occurred, -2 to 2'
            cand -o 'Write the reply to FILE, once it is whole'
            cand --output 'Write the reply to FILE, once it is whole'
            cand --history 'Continue the conversation in FILE, and append the turn'
            cand --turns 'Send only the system message and the newest N turns'
            cand --base-url 'The API''s base URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds of silence (default 300)'
            cand --deadline 'Give up after S seconds, whatever happens'
            cand --retries 'Try again up to N times (default 2)'
            cand --ca-cert 'Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]'
            cand -H 'Send this header too (repeatable)'
            cand --header 'Send this header too (repeatable)'
            cand -n 'Never read stdin (for loops such as ''while read'')'
            cand --no-stdin 'Never read stdin (for loops such as ''while read'')'
            cand --lossy 'Replace bytes that are not UTF-8 by U+FFFD'
            cand --stream 'Print tokens as they come, on a pipe too'
            cand --no-stream 'Print the reply once it is complete, on a terminal too'
            cand --raw 'Print control characters to a terminal as they are'
            cand -q 'Drop notes and warnings, not errors'
            cand --quiet 'Drop notes and warnings, not errors'
            cand -v 'Tell connections, headers and times on stderr'
            cand --verbose 'Tell connections, headers and times on stderr'
            cand --continue 'Send the history as it is, without a new prompt'
            cand --no-save 'Send the history, append nothing'
            cand --no-wait 'Give up at once when another turn is under way'
            cand --allow-http 'Send the key over plain http too, where anyone can read it'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;models'= {
            cand --base-url 'The API''s base URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds of silence (default 300)'
            cand --deadline 'Give up after S seconds, whatever happens'
            cand --retries 'Try again up to N times (default 2)'
            cand --ca-cert 'Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]'
            cand -H 'Send this header too (repeatable)'
            cand --header 'Send this header too (repeatable)'
            cand --json 'Print the server''s answer as it came'
            cand -q 'Drop notes and warnings, not errors'
            cand --quiet 'Drop notes and warnings, not errors'
            cand -v 'Tell connections, headers and times on stderr'
            cand --verbose 'Tell connections, headers and times on stderr'
            cand --allow-http 'Send the key over plain http too, where anyone can read it'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;history'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand show 'Print a conversation for people, paged where it does not fit'
            cand check 'Name every line that is no message, and count the others'
            cand repair 'Move the lines that are no messages to FILE.bad'
            cand undo 'Remove the newest turn, and print its lines'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;history;show'= {
            cand --last 'Show only the system message and the newest N turns'
            cand --raw 'Print control characters to a terminal as they are'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;check'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;repair'= {
            cand -q 'Drop notes and warnings, not errors'
            cand --quiet 'Drop notes and warnings, not errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;undo'= {
            cand -q 'Drop notes and warnings, not errors'
            cand --quiet 'Drop notes and warnings, not errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;help'= {
            cand show 'Print a conversation for people, paged where it does not fit'
            cand check 'Name every line that is no message, and count the others'
            cand repair 'Move the lines that are no messages to FILE.bad'
            cand undo 'Remove the newest turn, and print its lines'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;history;help;show'= {
        }
        &'gravix;history;help;check'= {
        }
        &'gravix;history;help;repair'= {
        }
        &'gravix;history;help;undo'= {
        }
        &'gravix;history;help;help'= {
        }
        &'gravix;completions'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;man'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;help'= {
            cand ask 'Ask a question and print the reply'
            cand models 'List the models that the server offers'
            cand history 'Show, check, repair or undo a conversation'
            cand completions 'Print a completion script for a shell'
            cand man 'Print a manual page, as roff'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;help;ask'= {
        }
        &'gravix;help;models'= {
        }
        &'gravix;help;history'= {
            cand show 'Print a conversation for people, paged where it does not fit'
            cand check 'Name every line that is no message, and count the others'
            cand repair 'Move the lines that are no messages to FILE.bad'
            cand undo 'Remove the newest turn, and print its lines'
        }
        &'gravix;help;history;show'= {
        }
        &'gravix;help;history;check'= {
        }
        &'gravix;help;history;repair'= {
        }
        &'gravix;help;history;undo'= {
        }
        &'gravix;help;completions'= {
        }
        &'gravix;help;man'= {
        }
        &'gravix;help;help'= {
        }
    ]
    $completions[$command]
}
