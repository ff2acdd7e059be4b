# DetNAS's evolution: 20 generations of 50, ranked by AP on 5,000 training pictures held out.
evolution = dict(
    type="SearchLoop",
    metric="coco/bbox_mAP",
    strategy=dict(
        type="Evolution", generations=20, population=50, parents=10, mutants=20, crosses=20
    ),
)
