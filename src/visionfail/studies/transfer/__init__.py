"""Study D: transfer learning from ImageNet, told as OSEMN, each of its hypotheses judged."""
