/*
 * The names by which end-to-end tests find things (`data-testid`). They do not change with language or look:
 *
 * conversation-row (data-conversation)   thread   message (data-seq, data-author)
 * held-card   held-send   held-edit   held-editor   held-save   held-discard   held-take-over
 * control-automatic   control-human   composer   composer-send   composer-note   composer-reply
 * tab-open   tab-needs_me   tab-held   tab-resolved   search   search-hit
 * nav-conversations   nav-activity   nav-responder   nav-visitors   nav-settings
 * status-listening (data-state)   listen-address   copy-address   listen-choose   listen-input   listen-apply
 * empty-desk   open-test-customer   setting-<field>   settings-save   settings-discard
 * activity-row (data-kind)   resolve   reopen   toast   undo   secret-input   offline
 */
export {};
