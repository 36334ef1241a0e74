/*
 * The names by which end-to-end tests find things (`data-testid`). They do not change with language or look:
 *
 * conversation-row (data-conversation, data-control)   thread   message (data-seq, data-author, data-change)
 * to-the-end (data-unseen)   outgoing (data-state)   take-back   thread-loading   main-loading   activity-loading
 * held-card   held-text   held-send   held-stop   held-edit   held-editor   held-save   held-discard   held-take-over
 * held-time   held-chip   held-cancel   held-resume   palette-input   shortcuts   client-<n>   client-where
 * correct   correct-editor   correct-save   retract   retract-confirm   show-original   original   source   explanation
 * suggestion   suggestion-text   suggestion-insert   suggestion-dismiss   offer   offer-review   offer-decline
 * label   label-add   label-input   away
 * control-automatic   control-human   composer   composer-send   composer-note   composer-reply
 * tab-open   tab-needs_me   tab-held   tab-resolved   search   search-hit
 * nav-conversations   nav-activity   nav-responder   nav-visitors   nav-settings
 * status-listening (data-state)   listen-address   copy-address   listen-choose   listen-input   listen-apply
 * empty-desk   open-test-customer   setting-<field>   settings-save   settings-discard
 * mark (data-mark)   conversation-menu   export-text   export-json   erase   erase-confirm   progress
 * back-up   backups-last   backups-problem   backup (data-reason)   restore-backup   restore-confirm   limits-reset
 * activity-row (data-kind)   resolve   reopen   toast   undo   secret-input   offline
 */
export {};
