DROP TABLE IF EXISTS mv_categories_by_hour {on_cluster} SYNC;
DROP TABLE IF EXISTS mv_dimensions_by_day {on_cluster} SYNC;
DROP TABLE IF EXISTS mv_dimensions_by_hour {on_cluster} SYNC;
DROP TABLE IF EXISTS categories_by_hour {on_cluster} SYNC;
DROP TABLE IF EXISTS dimensions_by_day {on_cluster} SYNC;
DROP TABLE IF EXISTS dimensions_by_hour {on_cluster} SYNC;
