#!/usr/bin/env bash
# Keep a copy of the public list in a folder: written from docs/open-data.md alone. Needs curl and jq.
#
#   SITE=https://list.court.example KEY=gsr_… follow.sh [--once] [--poll SECONDS] FOLDER
#   follow.sh --show FOLDER        the copy as JSON Lines, without what has ended
#
# The copy is one file: an entry a line, and a last line {"since","owed","ends"}. It is replaced as a whole, by renaming.
set -euo pipefail

once='' show='' far='' poll=30 every=60 retry=30
while [[ ${1-} == --* ]]; do
    case $1 in
        --once) once=1 ;;
        --show) show=1 ;;
        --since) far=1 ;;
        --poll) poll=$2; shift ;;
        --every) every=$2; shift ;;
        --retry) retry=$2; shift ;;
        *) echo "unknown option $1" >&2; exit 2 ;;
    esac
    shift
done
folder=${1:?FOLDER}
file=$folder/list.jsonl
mkdir -p "$folder"

words='
    def instant:  # seconds since 1970 of a time with offset
        capture("^(?<day>.{19})(?<part>\\.[0-9]+)?(?<zone>Z|[+-][0-9]{2}:[0-9]{2})$")
        | ((.day + "Z") | fromdateiso8601) + ("0" + (.part // "") | tonumber)
        - (if .zone == "Z" then 0 else (.zone[1:3] | tonumber) * 3600 + (.zone[4:6] | tonumber) * 60 end
           * (if .zone[0:1] == "-" then -1 else 1 end));
    def is_visible: .visible_until == null or (.visible_until | instant) > $now;'

now() { date +%s.%N; }
entries() { if [[ -e $file ]]; then head -n -1 "$file"; fi; }
visible() { jq -c --argjson now "$(now)" "$words select(is_visible)"; }

die() { echo "$*" >&2; exit 1; }

if [[ $show ]]; then entries | visible; exit; fi
if [[ $far ]]; then if [[ -e $file ]]; then tail -n 1 "$file" | jq .since; else echo 0; fi; exit; fi

exec 9>"$folder/lock"
flock 9                          # held by what this process starts, too, so nothing it began can come after us
rm -rf "$folder"/part.*          # what a killed process left
work=$(mktemp -d "$folder/part.XXXXXX")
trap 'rm -rf "$work"' EXIT

since='' owed=0 ends=null ack_after=0 told='' told_at=0
recall() { # what the file says
    if [[ -e $file ]]; then
        read -r since owed ends < <(tail -n 1 "$file" | jq -r '"\(.since) \(.owed) \(.ends)"')
    fi
}

save() { # SINCE OWED: the entries in $work/entries become the copy
    local first
    first=$(jq -n "$words"' reduce (inputs.visible_until | select(.) | instant) as $one
                           (null; if . == null or $one < . then $one else . end)' "$work/entries") &&
        printf '{"since":%s,"owed":%s,"ends":%s}\n' "$1" "$2" "$first" >>"$work/entries" &&
        sync "$work/entries" &&
        mv "$work/entries" "$file" || die 'the copy could not be saved'
    since=$1 owed=$2 ends=$first
}

has_ended() { [[ $ends != null ]] && jq -en --argjson now "$(now)" "$ends <= \$now" >/dev/null; }

delete_ended() {
    if has_ended; then
        entries | visible >"$work/entries" || die 'the copy cannot be read'
        save "$since" "$owed"
    fi
}

pause() { # SECONDS: wait, and let no entry stay beyond its end meanwhile
    local until=$(($(date +%s) + ${1%.*} + 1))
    while (($(date +%s) < until)); do
        sleep 1
        delete_ended
    done
}

ask() { # PATH [BODY]: the answer in $work/answer, its number in $status; false: try again after $after seconds
    local more=()
    if (($# > 1)); then more=(--header 'Content-Type: application/json' --data "$2"); fi
    rm -f "$work/answer" "$work/headers"
    curl -q --silent --config <(printf 'header = "Authorization: Bearer %s"\n' "$KEY") \
        --proto =http,https --connect-timeout 10 --speed-limit 1 --speed-time 90 \
        --dump-header "$work/headers" --output "$work/answer" --write-out '%{http_code}\n' \
        "${more[@]}" "$SITE/api/v1/$1" >"$work/status" 9>&- && read -r status <"$work/status" || status=000
    after=$retry
    case $status in
        200 | 202 | 409 | 410) return 0 ;;
        403) carry_out_listed; return 1 ;;
        000 | 429 | 5??)
            local said
            said=$(tr -d '\r' <"$work/headers" 2>/dev/null | sed -n 's/^retry-after: *\([0-9]\{1,\}\)$/\1/Ip' | tail -n 1) || true
            after=${said:-$retry}
            echo "answered $status" >&2
            return 1
            ;;
        *) die "answered $status: $(head -c 2000 "$work/answer")" ;;
    esac
}

carry_out_listed() { # the reading is suspended: carry out what is overdue, say so, and wait until that is counted
    after=$every
    if ! jq -e '.type | endswith("#problem-suspended")' "$work/answer" >/dev/null; then
        die "answered 403: $(head -c 2000 "$work/answer")"
    fi
    local last
    last=$(jq -r '.departures[-1].sequence // empty' "$work/answer")
    if [[ ! $last ]]; then return; fi
    if [[ $since ]]; then
        # What was carried out before may have been listed again since.
        entries | jq -c --argjson since "$since" --slurpfile problem "$work/answer" '
            (reduce ($problem[0].departures[] | select(.sequence > $since)) as $one ({}; .[$one.record] = true)) as $gone
            | select($gone[.record] | not)' >"$work/entries" || die 'the copy cannot be read'
        save "$since" "$owed"
    fi
    if [[ $last != "$told" ]] || (($(date +%s) - told_at > 600)); then
        if ask acks "{\"sequence\":$last}"; then told=$last told_at=$(date +%s) after=$every; fi
    fi
    status=403
}

take_snapshot() { # replace the copy by the whole list, if what came is whole
    ask snapshot || return 1
    local part=$work/answer end
    after=$retry
    end=$(tail -n 1 "$part" | jq -r 'select(.type == "end") | "\(.entries) \(.sha256)"' 2>/dev/null) || end=''
    if [[ ! $end || $end != "$(grep -c '^{"type":"entry"' "$part") $(head -n -1 "$part" | sha256sum | cut -d ' ' -f 1)" ]]; then
        echo 'the snapshot broke off' >&2
        return 1
    fi
    jq -c 'select(.type == "entry") | .entry' "$part" | visible >"$work/entries" || return 1
    local sequence acked
    read -r sequence acked < <(head -n 1 "$part" | jq -r '"\(.sequence) \(.acked)"')
    # Whatever left the list before this sequence is not in this copy.
    save "$sequence" "$((acked < sequence ? sequence : 0))"
}

take_page() { # carry out the next changes; $caught_up says whether the copy is now up to date
    caught_up=''
    local wait=0 asked=$SECONDS after_this head count
    if [[ ! $once ]]; then
        wait=$(jq -n --argjson now "$(now)" "[$poll, (if $ends == null then $poll else $ends - \$now end)] | min | floor | if . < 0 then 0 else . end")
    fi
    ask "changes?since=$since&limit=1000$( ((wait == 0)) || echo "&wait=$wait")" || return 1
    if [[ $status == 410 ]]; then
        rm -f "$file"
        since='' owed=0 ends=null
        return 0
    fi
    after=$retry
    if ! jq -e --argjson since "$since" '(.changes | length) as $n | .meta.next == $since + $n
            and [.changes[].sequence] == [range($since + 1; $since + 1 + $n)]' "$work/answer" >/dev/null 2>&1; then
        echo 'the page broke off' >&2
        return 1
    fi
    read -r after_this head count < <(jq -r '"\(.meta.next) \(.meta.head) \(.changes | length)"' "$work/answer")
    if ((count > 0)); then
        entries | jq -cn --slurpfile page "$work/answer" '
            (reduce $page[0].changes[] as $one ({}; .[$one.record] = $one.entry)) as $new
            | (inputs | select(.record as $record | $new | has($record) | not)), ($new[] | select(.))' | visible >"$work/entries" || return 1
        if jq -e 'any(.changes[]; .type == "gone")' "$work/answer" >/dev/null; then owed=$after_this; fi
        save "$after_this" "$owed"
    fi
    if ((after_this >= head)); then caught_up=1; fi
    if ((count == 0)) && [[ ! $once ]]; then
        if ((wait == 0)); then
            pause "$(jq -n --argjson now "$(now)" "[$every, (if $ends == null then $every else $ends - \$now end)] | min | floor | if . < 1 then 1 else . end")"
        elif ((SECONDS - asked < wait - 1)); then
            pause 5
        fi
    fi
}

acknowledge() { # tell the court that every departure so far was carried out, if there was one
    if ((owed == 0)); then return; fi
    if (($(date +%s) < ack_after)); then
        if [[ $once ]]; then pause 5; fi
        return
    fi
    if ask acks "{\"sequence\":$owed}"; then
        if [[ $status == 202 ]]; then
            entries >"$work/entries" || die 'the copy cannot be read'
            save "$since" 0
        else # not so many changes: the list was restored, and the next question will be answered so
            ack_after=$(($(date +%s) + ${retry%.*} + 1))
        fi
    else
        # Following goes on meanwhile: the next departure is more urgent than the word about the last.
        ack_after=$(($(date +%s) + ${after%.*} + 1))
    fi
}

: "${SITE:?}" "${KEY:?}"
SITE=${SITE%/}
recall
while true; do
    delete_ended
    if { [[ $since ]] || take_snapshot; } && take_page; then
        if [[ $caught_up ]]; then
            acknowledge
            if [[ $once ]] && ((owed == 0)); then exit; fi
        fi
    else
        pause "$after"
    fi
done
