A criterion whose name is taken is replaced at the prompt, with a notice.

  $ printf '%s\n' "crescent.prune.criterion('mine', { score = print })" "crescent.prune.criterion('mine', { score = print })" | crescent 2>&1
  note: criterion 'mine' is replaced

In a script it is an error.

  $ crescent -e "for i = 1, 2 do crescent.prune.criterion('mine', { score = print }) end" 2>&1 | head -n 1
  -e:1: crescent.prune.criterion: argument 1 'name': expected a new name, got 'mine', which is taken
