# Completion of pam-netns for fish. The program tells its commands, their options and operands
# (pam-netns --commands, --options), and the networks of the conf file (pam-netns --networks).

# The rows of a list of the program; fish shows what follows the tab beside the word.
function __pam_netns_commands
    pam-netns --commands 2>/dev/null | string replace -r '^([^\t]*)\t.*\t([^\t]*)$' '$1\t$2'
end

function __pam_netns_operand
    switch $argv[1]
        case USER
            # A directory service does not list its users, but an active user has a record.
            begin
                __fish_complete_users
                pam-netns list 2>/dev/null | string replace -rf '^(\S+).*' '$1' | tail -n +2
            end | string replace -r '\t.*' '' | sort -u
        case NETWORK
            pam-netns --networks 2>/dev/null
        case FILE
            __fish_complete_path (commandline -ct)
    end
end

function __pam_netns_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l command $words[2]
    if test (count $words) -eq 1
        __pam_netns_commands
        printf '%s\n' help\t'show help' --help\t'show help' --version\t'show the version'
        return
    end
    if test "$command" = help
        test (count $words) -gt 2; or __pam_netns_commands
        return
    end
    set -l row (pam-netns --commands 2>/dev/null | string match -- "$command"\t\*)
    test -n "$row"; or return
    set -l field (string split \t -- $row)
    set -l operand $field[2]
    set -l options (string split ' ' -- $field[3])
    for i in (seq 3 (count $words))
        switch $words[$i]
            case --
                contains -- -- $options; and complete -C (string join ' ' -- (string escape -- $words[(math $i + 1)..]) $word)
                return
            case '-*'
                set options (string match -v -- $words[$i] $options) # once is enough
            case '*'
                set operand - # there is one at most
        end
    end
    if string match -q -- '-*' $word; or test -z "$word" -a $operand = -
        set -l helps (pam-netns --options 2>/dev/null)
        for option in $options
            string match -- $option\t\* $helps
        end
    else
        __pam_netns_operand $operand
    end
end

complete -c pam-netns -f -a '(__pam_netns_complete)'
