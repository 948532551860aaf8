/* Descriptor slots (docs/architecture.md, "Slots"): who fills one owns nothing any more, the slot does. */
#ifndef PODRUN_SLOTS_H
#define PODRUN_SLOTS_H

#include "gen/operations.h"

enum { OWN_SLOTS = SLOT_LIMIT - PLAN_SLOTS };

/* The slots of one plan, as one actor sees them; zero-initialised is empty. The persistent slots are the process's. */
struct slot_set {
    int own[OWN_SLOTS]; /* descriptor + 1 */
    uint8_t filled[PLAN_SLOTS / 8]; /* persistent slots that this plan has filled: closed again when it fails */
};

/* The descriptor, or -1 (empty, or NO_SLOT). */
int slot_get(const struct slot_set *set, uint16_t slot);

/* Takes the descriptor over, closing what was there. Returns an errno; EBADF for NO_SLOT, the descriptor then closed. */
int slot_put(struct slot_set *set, uint16_t slot, int fd);

/* Hands the descriptor over and empties the slot; -1 when it was empty. */
int slot_take(struct slot_set *set, uint16_t slot);

void slot_close(struct slot_set *set, uint16_t slot);

/* At a plan's end: its own slots, and after a failure the persistent ones that it filled. */
void slots_close_own(struct slot_set *set);
void slots_undo(struct slot_set *set);

/* Closes every descriptor but 0-2, `keep` (-1 entries are skipped; the array is sorted) and, with `slots`, what the slots
 * hold. Returns an errno. Without `slots` the slots read as empty afterwards but for those in `keep`. */
int close_all_but(struct slot_set *set, int *keep, unsigned int count, bool slots);

#endif
